"""Code and unknown objects, wherever in a configuration they stand: nothing is run, and nothing is imported."""

import json
import marshal
import os

import pytest

from onnxseq.models import model_from_json, model_from_yaml
from tests.saving_hostile import check_refused, layers_of, with_config, with_layer, write

CODE = marshal.dumps(compile("__import__('os').mkdir('run')", "evil", "eval")).decode("raw_unicode_escape")


def evil(**arguments):
    return {"class_name": "Lambda", "config": {"name": "evil", "function": "softmax", "function_type": "function",
                                               "arguments": {}, **arguments}}  # fmt: skip


LAMBDA = evil(function=[CODE, None, None], function_type="lambda")
CODE_OF_KERAS_3 = {"class_name": "__lambda__", "config": {"code": CODE, "defaults": None, "closure": None}}


def with_last(layer):
    return with_config(lambda config: layers_of(config).append(layer))


def with_training(**entries):
    return with_config(lambda config: config.update(entries), "training_config")


START = {"class_name": "InputLayer", "name": "start", "inbound_nodes": [],
         "config": {"name": "start", "batch_input_shape": [None, 2]}}
GRAPH = {"class_name": "Model", "config": {
    "name": "inner", "layers": [START, {**LAMBDA, "name": "evil", "inbound_nodes": [[["start", 0, 0, {}]]]}],
    "input_layers": [["start", 0, 0]], "output_layers": [["evil", 0, 0]]}}  # fmt: skip

PLACES = {
    "a layer": with_last(LAMBDA),
    "a stack": with_last({"class_name": "Sequential", "config": [LAMBDA]}),
    "a stack as a dict": with_last({"class_name": "Sequential", "config": {"name": "s", "layers": [LAMBDA]}}),
    "a graph": with_last(GRAPH),
    "a wrapper": with_last({"class_name": "TimeDistributed", "config": {"name": "t", "layer": LAMBDA}}),
    "a wrapper of a stack": with_last(
        {"class_name": "TimeDistributed", "config": {"name": "t", "layer": {"class_name": "Sequential",
                                                                           "config": [LAMBDA]}}}),
    "a list of layers": with_last({"class_name": "Dense", "config": {"name": "d", "units": 2, "cells": [LAMBDA]}}),
    "an unknown argument": with_layer(1, whatever={"deep": [[LAMBDA]]}),
    "an activation": with_layer(1, activation=LAMBDA),
    "a regularizer": with_layer(1, kernel_regularizer=LAMBDA),
    "a loss": with_training(loss=LAMBDA),
    "losses": with_training(loss=[LAMBDA]),
    "losses by output": with_training(loss={"second": LAMBDA}),
    "metrics": with_training(metrics=["mae", LAMBDA]),
    "weighted metrics": with_training(weighted_metrics=[LAMBDA]),
    "weights of losses": with_training(loss_weights={"second": LAMBDA}),
    "an output's shape": with_last(evil(output_shape=[CODE, None, None], output_shape_type="lambda")),
    "a mask": with_last(evil(mask=[CODE, None, None], mask_type="lambda")),
    "raw code": with_last(evil(function=[CODE, None, None], function_type="raw_lambda")),
    "the code of Keras 3": with_layer(1, activation=CODE_OF_KERAS_3),
    "the code of Keras 3 in a Lambda": with_last(evil(function=CODE_OF_KERAS_3)),
    "the code of Keras 3 as a layer": with_last(CODE_OF_KERAS_3),
    "code as a name": with_last(evil(function=["code", None, None])),
    "a function of the system": with_last(evil(function="os.system")),
    "a function of Python": with_last(evil(function="exec")),
    "a function in a module": with_last(evil(function="system", module="os")),
    "a layer of a package": with_config(lambda config: layers_of(config)[1].update(registered_name="evil>Dense",
                                                                                  module="evil")),
    "an initializer in a module": with_layer(
        1, kernel_initializer={"class_name": "Zeros", "module": "evil", "config": {}}),
    "an optimizer in a module": with_config(
        lambda config: config["optimizer_config"].update(module="evil"), "training_config"),
    "an unknown constraint": with_layer(1, kernel_constraint={"class_name": "Popen", "config": {"args": "ls"}}),
    "an unknown activation": with_layer(1, activation="system"),
    "an unknown loss": with_training(loss="os.system"),
    "a path through attributes": with_layer(1, activation="relu.__globals__"),
    "a class of Python": with_last({"class_name": "type", "config": {}}),
    "no class": with_last({"class_name": None, "config": {}}),
    "a class that is a list": with_last({"class_name": ["Dense"], "config": {}}),
}  # fmt: skip
CODE_IS_REFUSED = (
    "load_model: layer 'evil': its function is bytecode, which is not run; expected the function itself. "
    "Pass custom_objects={'evil': function}; or safe_mode=False, which runs the code of the file, if you "
    "would run the file as a program."
)
PINNED = {
    "a layer": CODE_IS_REFUSED,
    "a stack": CODE_IS_REFUSED,
    "a stack as a dict": CODE_IS_REFUSED,
    "a graph": CODE_IS_REFUSED,
    "a wrapper": CODE_IS_REFUSED,
    "a wrapper of a stack": CODE_IS_REFUSED,
    "a list of layers": CODE_IS_REFUSED,
    "an unknown argument": CODE_IS_REFUSED,
    "an activation": CODE_IS_REFUSED,
    "a regularizer": (
        "load_model: layer 'second': kernel_regularizer: unknown regularizer 'Lambda'; expected a regularizer "
        "that is known. Pass your own in custom_objects."),
    "a loss": CODE_IS_REFUSED,
    "losses": CODE_IS_REFUSED,
    "losses by output": CODE_IS_REFUSED,
    "metrics": CODE_IS_REFUSED,
    "weighted metrics": CODE_IS_REFUSED,
    "weights of losses": CODE_IS_REFUSED,
    "an output's shape": (
        "load_model: layer 'evil': its output_shape is bytecode, which is not run; expected the function itself. "
        "Pass custom_objects={'evil': function}; or safe_mode=False, which runs the code of the file, if you "
        "would run the file as a program."),
    "a mask": (
        "load_model: layer 'evil': its mask is bytecode, which is not run; expected the function itself. Pass "
        "custom_objects={'evil': function}; or safe_mode=False, which runs the code of the file, if you would run"
        " the file as a program."),
    "raw code": CODE_IS_REFUSED,
    "the code of Keras 3": (
        "load_model: layer 'second': activation: an object of class '__lambda__', which stands for code; expected"
        " data. Pass the function in custom_objects."),
    "the code of Keras 3 in a Lambda": (
        "load_model: layer 'evil': function: an object of class '__lambda__', which stands for code; expected "
        "data. Pass the function in custom_objects."),
    "the code of Keras 3 as a layer": (
        "load_model: the model, layer 2: an object of class '__lambda__', which stands for code; expected data. "
        "Pass the function in custom_objects."),
    "code as a name": (
        "load_model: Lambda 'evil': function: ['code', None, None]; expected the name of a function, or a config "
        "with class_name and config."),
    "a function of the system": (
        "load_model: layer 'evil': function: unknown function 'os.system'; expected the name of one that is "
        "known. Pass your own in custom_objects."),
    "a function of Python": (
        "load_model: layer 'evil': function: unknown function 'exec'; expected the name of one that is known. "
        "Pass your own in custom_objects."),
    "a function in a module": (
        "load_model: layer 'evil': function: unknown function 'system'; expected the name of one that is known. "
        "Pass your own in custom_objects."),
    "a layer of a package": (
        "load_model: layer 'second': the key 'module' with 'evil'; expected names of classes alone. Code is never"
        " imported because a file says so. Pass classes in custom_objects."),
    "an initializer in a module": (
        "load_model: layer 'second': kernel_initializer: the key 'module' with 'evil'; expected names of classes "
        "alone. Code is never imported because a file says so. Pass classes in custom_objects."),
    "an optimizer in a module": (
        "load_model: training_config: optimizer_config: the key 'module' with 'evil'; expected names of classes "
        "alone. Code is never imported because a file says so. Pass classes in custom_objects."),
    "an unknown constraint": (
        "load_model: layer 'second': kernel_constraint: unknown constraint 'Popen'; expected a constraint that is"
        " known. Pass your own in custom_objects."),
    "an unknown activation": (
        "load_model: layer 'second': activation: unknown activation 'system'; expected the name of one that is "
        "known. Pass your own in custom_objects."),
    "an unknown loss": (
        "load_model: loss: unknown name 'os.system'; expected the name of a known loss. Pass your own loss in "
        "custom_objects."),
    "a path through attributes": (
        "load_model: layer 'second': activation: unknown activation 'relu.__globals__'; expected the name of one "
        "that is known. Pass your own in custom_objects."),
    "a class of Python": (
        "load_model: the model, layer 2: unknown layer 'type'; expected a layer that is known. Pass your own in "
        "custom_objects."),
    "no class": "load_model: the model, layer 2: class_name is None; expected a text.",
    "a class that is a list": (
        "load_model: the configuration cannot be followed (TypeError: unhashable type: 'list'); expected one from"
        " save()."),
    "a function that is called": (
        "model_from_yaml: could not determine a constructor for the tag "
        "'tag:yaml.org,2002:python/object/apply:os.mkdir', in line 1; expected YAML of plain data. Text that "
        "makes other Python objects is refused, as reading it could run any code."),
    "an object that is made": (
        "model_from_yaml: could not determine a constructor for the tag "
        "'tag:yaml.org,2002:python/object/new:os.mkdir', in line 1; expected YAML of plain data. Text that makes "
        "other Python objects is refused, as reading it could run any code."),
    "an object": (
        "model_from_yaml: could not determine a constructor for the tag "
        "'tag:yaml.org,2002:python/object:subprocess.Popen', in line 1; expected YAML of plain data. Text that "
        "makes other Python objects is refused, as reading it could run any code."),
    "a name": (
        "model_from_yaml: could not determine a constructor for the tag "
        "'tag:yaml.org,2002:python/name:os.system', in line 1; expected YAML of plain data. Text that makes other"
        " Python objects is refused, as reading it could run any code."),
    "a module": (
        "model_from_yaml: could not determine a constructor for the tag 'tag:yaml.org,2002:python/module:os', in "
        "line 1; expected YAML of plain data. Text that makes other Python objects is refused, as reading it "
        "could run any code."),
    "a tag of its own": (
        "model_from_yaml: could not determine a constructor for the tag '!evil', in line 1; expected YAML of "
        "plain data. Text that makes other Python objects is refused, as reading it could run any code."),
    "a number of bytes": (
        "model_from_yaml: no number: [dtype('O'), b'\\x00\\x00\\x00'], in line 1; expected YAML of plain data. Text "
        "that makes other Python objects is refused, as reading it could run any code."),
}  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", PLACES)
def test_nothing_runs(name, folder):
    write("model.h5", PLACES[name])
    check_refused("model.h5", TypeError if name == "code as a name" else ValueError, PINNED[name])
    assert os.listdir(folder) == ["model.h5"]


TEXTS = {
    "a function that is called": "!!python/object/apply:os.mkdir [run]",
    "an object that is made": "!!python/object/new:os.mkdir [run]",
    "an object": "!!python/object:subprocess.Popen {args: ls}",
    "a name": "class_name: !!python/name:os.system ''",
    "a module": "!!python/module:os ''",
    "a tag of its own": "!evil {}",
    "a number of bytes": "!!python/object/apply:numpy.core.multiarray.scalar [!!python/object/apply:numpy.dtype "
                         "{args: [O, 0, 1]}, !!binary AAAA]",
}
"""Text in YAML that makes objects."""


@pytest.mark.parametrize("name", TEXTS)
def test_yaml_makes_nothing(name, folder):
    with pytest.raises(ValueError) as caught:
        model_from_yaml(TEXTS[name])
    assert str(caught.value) == PINNED[name]
    assert os.listdir(folder) == []


def test_code_in_texts():
    config = {"class_name": "Sequential", "config": [LAMBDA]}
    for read, who in ((model_from_json, "model_from_json"), (model_from_yaml, "model_from_yaml")):
        with pytest.raises(ValueError) as caught:
            read(json.dumps(config))
        assert str(caught.value) == PINNED["a layer"].replace("load_model", who)
