"""SqueezeNet, as the ONNX project tests with it, for any number of images. python squeezenet.py TARGET"""

import json
import pathlib
import sys

import onnx

model = onnx.load(pathlib.Path(onnx.__file__).parent / "backend/test/data/light/light_squeezenet.onnx")
graph = model.graph
weights = {weight.name for weight in graph.initializer}
inputs = [tensor for tensor in graph.input if tensor.name not in weights]
del graph.input[:]  # weights are among them, and would not be folded
graph.input.extend(inputs)
sides = {"inputs": graph.input, "outputs": graph.output}
for tensors in sides.values():
    for tensor in tensors:
        tensor.type.tensor_type.shape.dim[0].dim_param = "N"
pathlib.Path(sys.argv[1]).write_bytes(model.SerializeToString())
shape = lambda tensor: [-1, *(size.dim_value for size in tensor.type.tensor_type.shape.dim[1:])]
tell = lambda tensor: {"name": tensor.name, "type": "float32", "shape": shape(tensor)}
print(json.dumps({side: [tell(tensor) for tensor in tensors] for side, tensors in sides.items()}))
