/** The calls on one manager, the same in the process of the runner and in a child of it. */

export const isManagerCall = op => op in calls

/** The answer of a call as data, an error of the library as `{ error: { kind, reason } }`. */
export async function call(manager, step, signal) {
  try {
    return await calls[step.op](manager, step, signal)
  } catch (error) {
    if (error?.kind === undefined || error.reason === undefined) throw error
    return { error: { kind: error.kind, reason: error.reason } }
  }
}

const calls = {
  getAuthStatus: (manager, { includeToken, refreshToken }) => manager.getAuthStatus({ includeToken, refreshToken }),
  accountRead: (manager, { refreshToken }) => manager.readAccount({ refreshToken }),
  refreshToken: (manager, _step, signal) => manager.refreshToken({ signal }),
  async auth(manager, _step, signal) {
    const snapshot = await manager.auth({ signal })
    return { mode: snapshot?.mode ?? null, token: snapshot?.token() ?? null }
  },
  accessToken: async (manager, _step, signal) => ({ token: await manager.accessToken({ signal }) }),
  reload: manager => manager.reload(),
  async loginApiKey(manager, { apiKey }) {
    await manager.loginWithApiKey(apiKey)
    return { type: 'apiKey' }
  },
  async loginExternal(manager, { params }) {
    await manager.loginWithExternalTokens(params)
    return { type: 'chatgptAuthTokens' }
  },
  logout: manager => manager.logout(),
  async enforce(manager) {
    await manager.enforce()
    return { ok: true }
  },
}
