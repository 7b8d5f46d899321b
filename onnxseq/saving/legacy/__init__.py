"""What other versions of Keras wrote, turned into what r1.4 writes: one module for each era."""
