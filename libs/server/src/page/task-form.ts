/** The part of the page that tries one task. */
export interface TaskForm {
  /** HTML inside the page's section "Try it". Static: nothing of a request or a model is in it. */
  readonly html: string;
  /**
   * JavaScript of a module, behind that of page.ts, of which it uses `byId(id)`, `show(id, text)`, `call(path, init)`
   * (fetch with the key; throws an Error with the service's message), `callJson(path, body)`, `onSubmit(id, run)` and
   * `model()`, the id that requests name.
   */
  readonly script: string;
}
