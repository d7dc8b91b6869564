/** What OpenVINO's own representation of a model is called, wherever it is exported. */
export const IR = 'openvino_model.xml';

/** The engine that reads it; GGUF is read by more. */
export const IR_ENGINE = 'oneapi';
