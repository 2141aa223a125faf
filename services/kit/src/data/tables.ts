// placeholder: see session
export interface Tables {
  close(): Promise<void>
}
