// A page's client for its browser session: there is no token to store or to refresh.

/** @param {string} broker the issuer   @param {string} clientId   @param {string} home where a sign-in returns to */
export function createSession(broker, clientId, home = location.pathname) {
  const base = `${broker}/bff/${clientId}`;

  /** One call: "/session", "/api/...", "/proxy/PROVIDER/...". The browser adds the cookie. */
  const call = (path, options = {}) =>
    fetch(base + path, {
      ...options,
      credentials: "include",
      headers: { ...options.headers, "Broker-Bff": "1" },
    });

  /** The signed-in user, or null. It never redirects the browser. */
  async function read() {
    const answer = await call("/session");
    if (answer.status === 401) return null;
    if (!answer.ok) throw new Error(`session: ${answer.status}`);
    return answer.json();
  }

  /** Redirect to the sign-in; `asked` may hold scope, provider, prompt, max_age. The user returns to `home`. */
  function signIn(asked = {}) {
    location.assign(`${base}/login?${new URLSearchParams({ return_to: home, ...asked })}`);
  }

  /** End the session. The response names the page where the user signs out at the broker too. */
  async function signOut() {
    const answer = await call("/logout", { method: "POST" });
    if (!answer.ok) throw new Error(`logout: ${answer.status}`);
    return answer.json();
  }

  return { call, read, signIn, signOut };
}
