"""tf.keras r1.4's Sequential API as a light library on ONNX Runtime."""
