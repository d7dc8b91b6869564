/** The usual file name of OpenVINO's intermediate representation (IR) of a model. */
export const IR = 'openvino_model.xml';
