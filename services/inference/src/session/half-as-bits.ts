// ONNX Runtime's binding makes Float16Array of float16 where the engine has it, and its native part then does not know
// the array ("not enough space: expected 4, got 0", 1.30). Without the class it takes the bits as Uint16Array. Loaded
// before the binding, in threads that run sessions only.

export const halfAsBits: boolean = Reflect.deleteProperty(globalThis, 'Float16Array')
