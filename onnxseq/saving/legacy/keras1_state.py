"""The state of optimizers in files of Keras 1, which sorted weights by their names and not by their layers."""

from onnxseq import backend as K


def state(optimizer, trained, layers, arrays, convert):
    """Return the value of each variable of an optimizer's state: a list of pairs, or None where they do not fit.

    Arguments:
        optimizer: The optimizer, its state made.
        trained: The variables that it trains, in its order.
        layers: Pairs of each layer that has weights and what the file holds of it.
        arrays: The file's state.
        convert: Turns the arrays of a layer, and so its slots, into ours; or None.
    """
    slots, rows = getattr(optimizer, "_slots", ()), getattr(optimizer, "_rows", [])
    names = sorted(_trained(layers, trained))
    scalars = [array for array in arrays if array.shape == ()]
    rest = [array for array in arrays if array.shape != ()]
    if len(rest) != len(slots) * len(names):
        return None
    pairs = [(optimizer.iterations, array.read()) for array in scalars[:1]]
    places = {id(variable): place for place, variable in enumerate(trained)}
    for number, row in enumerate(rows):
        of_layers = {}
        for (_, layer, index), array in zip(names, rest[number * len(names) :], strict=False):
            of_layers.setdefault(layer, {})[index] = array.read()
        for layer, values in of_layers.items():
            ours = layers[layer][0]
            found = [values[index] for index in range(len(values))]
            if convert is not None and convert.applies(ours):
                found = convert(ours, found)
            if len(found) != len(ours.trainable_weights):
                return None
            pairs += [(row[places[id(variable)]], value)
                      for variable, value in zip(ours.trainable_weights, found, strict=True)]
    return pairs if all(tuple(K.int_shape(variable)) == value.shape for variable, value in pairs) else None


def _trained(layers, trained):
    """Yield the name, the layer's number and the place in it of each array of the file that was trained."""
    known = {id(variable) for variable in trained}
    for number, (layer, stored) in enumerate(layers):
        if all(id(variable) in known for variable in layer.trainable_weights):
            count = len(stored.arrays) - len(layer.non_trainable_weights)
            for index, array in enumerate(stored.arrays[:count]):
                yield array.path.rpartition("/")[2], number, index
