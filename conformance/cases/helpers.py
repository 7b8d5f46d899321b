"""What many cases need: seeded weights and data, forward and gradient of a model, a training trajectory."""

import numpy as np

STEPS = 20


def normal(random, *shape):
    return random.normal(size=shape).astype("float32")


def positive(random, *shape):
    return random.uniform(0.5, 1.5, size=shape).astype("float32")


def one_hot(random, num_classes, *shape):
    return np.eye(num_classes, dtype="float32")[random.randint(num_classes, size=shape)]


def probabilities(random, *shape):
    values = random.uniform(0.05, 1.0, size=shape)
    return (values / values.sum(axis=-1, keepdims=True)).astype("float32")


def _seed_layer(layer, random):
    if hasattr(layer, "layers"):
        seed_weights(layer, random)
        return
    values = []
    for weight, old in zip(layer.weights, layer.get_weights()):
        if "gamma" in weight.name or "variance" in weight.name:
            value = random.uniform(0.5, 1.5, size=old.shape)
        elif old.ndim > 1:
            fans = np.prod(old.shape) / old.shape[-1] + old.shape[-1]
            value = random.normal(size=old.shape) * np.sqrt(2.0 / fans)
        else:
            value = random.normal(size=old.shape) * 0.1
        values.append(np.asarray(value).astype(old.dtype))
    layer.set_weights(values)


def seed_weights(model, random):
    """Gives every weight a random value: matrices scaled by their fan, scales and variances positive."""
    for layer in model.layers:
        _seed_layer(layer, random)


def weights_of(model):
    return {"weight_{:02d}".format(index): value for index, value in enumerate(model.get_weights())}


def slots_of(model):
    return {"slot_{:02d}".format(index): value for index, value in enumerate(model.optimizer.get_weights())}


def sequential(keras, layers):
    model = keras.models.Sequential()
    for layer in layers:
        model.add(layer)
    return model


def train(model, batch_of, steps=STEPS, **options):
    """Trains on `batch_of(step)` = (x, y[, sample weights]); gives losses, final weights and the optimizer's state."""
    losses = []
    for step in range(steps):
        batch = batch_of(step)
        weights = {"sample_weight": batch[2]} if len(batch) > 2 else {}
        losses.append(model.train_on_batch(batch[0], batch[1], **dict(weights, **options)))
    columns = np.array(losses, dtype="float64").reshape(steps, -1).T
    fields = {
        "metric_{}_{}".format(index, name): column
        for index, (name, column) in enumerate(zip(model.metrics_names, columns))
        if index
    }
    fields["losses"] = columns[0]
    fields.update(weights_of(model))
    fields.update(slots_of(model))
    return fields


def cycle(x, y, batch_size=16, weights=None):
    """Batches in order, again from the start when they run out."""
    num_batches = len(x) // batch_size

    def batch_of(step):
        part = slice((step % num_batches) * batch_size, (step % num_batches + 1) * batch_size)
        return (x[part], y[part]) if weights is None else (x[part], y[part], weights[part])

    return batch_of


def forward_and_gradient(keras, model, x, random):
    """The output for x, and the gradient of a randomly weighted sum of it by each real input and each weight.

    x is a list of arrays for a model of several inputs.
    """
    K = keras.backend
    arrays = x if isinstance(x, list) else [x]
    tensors = model.input if isinstance(model.input, list) else [model.input]
    output = model.predict(x, batch_size=len(arrays[0]))
    direction = K.constant(normal(random, *output.shape))
    scalar = K.sum(model.output * direction)
    weights = list(model.trainable_weights)
    inputs = [
        tensor
        for tensor, array in zip(tensors, arrays)
        if K.dtype(tensor) == "float32" and array.dtype == np.float32
    ]
    fields = {"output": output, "output_shape": np.array([-1 if size is None else size for size in model.output_shape])}
    if not inputs + weights:
        return fields
    gradients = K.gradients(scalar, inputs + weights)
    # The gradient of a gathered weight may be held by rows; reshape makes an array of it.
    gradients[len(inputs) :] = [
        K.reshape(gradients[len(inputs) + index], K.int_shape(each)) for index, each in enumerate(weights)
    ]
    phase = [K.learning_phase()] if model.uses_learning_phase else []
    values = K.function(tensors + phase, gradients)(arrays + [0] * len(phase))
    fields.update({"gradient_{}".format(index): value for index, value in enumerate(values)})
    return fields
