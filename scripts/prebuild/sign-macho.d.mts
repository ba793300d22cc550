export function signAdHoc(bytes: Buffer, identifier: string): Buffer
