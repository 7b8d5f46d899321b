"""Speed of training, inference and single-sample latency, beside other frameworks, each in a process of its own."""
