/** What OpenVINO's own representation of a model is called, wherever it is exported. */
export const IR = 'openvino_model.xml';
