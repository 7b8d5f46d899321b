"""What many cases need: weights and data from the seeded RandomState, forward and gradient of a model, a training trajectory."""

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


def seed_weights(model, random):
    """Gives every weight a value of the RandomState's: scaled by its fan for matrices, positive for scales and variances."""
    values = []
    for weight, old in zip(model.weights, model.get_weights()):
        if "gamma" in weight.name or "variance" in weight.name:
            value = random.uniform(0.5, 1.5, size=old.shape)
        elif old.ndim > 1:
            fans = np.prod(old.shape) / old.shape[-1] + old.shape[-1]
            value = random.normal(size=old.shape) * np.sqrt(2.0 / fans)
        else:
            value = random.normal(size=old.shape) * 0.1
        values.append(value.astype(old.dtype))
    model.set_weights(values)


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
    """Trains on `batch_of(step)` = (x, y) or (x, y, sample weights); gives losses, final weights and the optimizer's state."""
    losses = []
    for step in range(steps):
        batch = batch_of(step)
        weights = {"sample_weight": batch[2]} if len(batch) > 2 else {}
        losses.append(model.train_on_batch(batch[0], batch[1], **dict(weights, **options)))
    fields = {"losses": np.array(losses, dtype="float64")}
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
    """The output for x, and the gradient of a randomly weighted sum of it by the input (where that is real) and each weight."""
    K = keras.backend
    output = model.predict(x, batch_size=len(x))
    direction = K.constant(normal(random, *output.shape))
    scalar = K.sum(model.output * direction)
    sources = list(model.trainable_weights)
    if K.dtype(model.input) == "float32" and x.dtype == np.float32:
        sources.insert(0, model.input)
    fields = {"output": output, "output_shape": np.array([-1 if size is None else size for size in model.output_shape])}
    if sources:
        gradients = [gradient for gradient in K.gradients(scalar, sources) if gradient is not None]
        if gradients:
            values = K.function([model.input], gradients)([x])
            fields.update({"gradient_{}".format(index): value for index, value in enumerate(values)})
    return fields
