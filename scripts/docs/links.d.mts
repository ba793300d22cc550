export function brokenLinks(folder: string): { readonly page: string; readonly link: string }[]
