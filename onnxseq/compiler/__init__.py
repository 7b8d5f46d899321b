"""The training compiler: records ONNX graphs, differentiates and lowers them, runs them. It knows no Keras."""
