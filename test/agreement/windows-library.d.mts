export function loadWindowsLibrary(load: (name: string) => Promise<object>): Promise<object>
