// The operators of an ONNX file, read from the few fields of its protobuf that name them, and whether the time that they
// take follows from the shapes of the inputs alone. Pure.

/** Every other operator may repeat, or make, as much as a value of its inputs says; or is not known. */
const steady = new Set(
  `Abs Acos Add And ArgMax ArgMin ArrayFeatureExtractor Asin Atan BatchNormalization Binarizer Cast Ceil Celu Clip Concat
  Constant Conv Cos Div Dropout Elu Equal Erf Exp FeatureVectorizer Flatten Floor Gather Gelu Gemm Greater GreaterOrEqual
  HardSigmoid HardSwish Identity Imputer InstanceNormalization IsInf IsNaN LayerNormalization LeakyRelu Less LessOrEqual
  LinearClassifier LinearRegressor Log LogSoftmax MatMul Max Mean Min Mish Mod Mul Neg Normalizer Not OneHotEncoder Or
  PRelu Pow Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
  ReduceSumSquare Relu Reshape Round SVMClassifier SVMRegressor Scaler Selu Shape Sigmoid Sign Sin Softmax Softplus
  Softsign Split Sqrt Squeeze Sub Sum Tan Tanh ThresholdedRelu Transpose TreeEnsemble TreeEnsembleClassifier
  TreeEnsembleRegressor Unsqueeze Where Xor`.split(/\s+/),
)
const [graphField, functionsField, nodeField, operatorField] = [7, 25, 1, 4]
const lengthDelimited = 2

/** false for what cannot be read as well. */
export function isSteady(model: Uint8Array): boolean {
  try {
    const names = operatorsOf(model)
    return names.length > 0 && names.every(name => steady.has(name))
  } catch {
    return false
  }
}

/** Of the graph; those of graphs within belong to operators that have them. Throws for what is not protobuf. */
export function operatorsOf(model: Uint8Array): string[] {
  const names: string[] = []
  for (const { field, bytes } of fieldsOf(model)) {
    if (field === functionsField) names.push('a function of the model')
    if (field !== graphField) continue
    for (const node of fieldsOf(bytes))
      if (node.field === nodeField)
        for (const part of fieldsOf(node.bytes))
          if (part.field === operatorField) names.push(Buffer.from(part.bytes).toString())
  }
  return names
}

/** Fields that have a length; numbers are passed over. */
function* fieldsOf(bytes: Uint8Array): Generator<{ field: number; bytes: Uint8Array }> {
  let at = 0
  const varint = (): number => {
    for (let value = 0, scale = 1; ; scale *= 128) {
      const byte = bytes[at++]
      if (byte === undefined || scale > 2 ** 63) throw new RangeError('the message is cut off')
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const tag = varint()
    const kind = tag % 8
    if (kind === 0) varint()
    else if (kind === 1) at += 8
    else if (kind === 5) at += 4
    else if (kind === lengthDelimited) {
      const length = varint()
      if (at + length > bytes.length) throw new RangeError('the message is cut off')
      yield { field: Math.floor(tag / 8), bytes: bytes.subarray(at, at + length) }
      at += length
    } else throw new RangeError(`a field of kind ${kind}`)
  }
}
