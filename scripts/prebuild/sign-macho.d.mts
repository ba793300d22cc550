export function signAdHoc(bytes: Buffer, identifier: string): Buffer
export function withoutSignature(bytes: Buffer): Buffer
