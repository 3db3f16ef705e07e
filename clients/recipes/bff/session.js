// A page's whole client of its browser session: no token, nothing to keep, nothing to refresh.

/** @param {string} broker the issuer   @param {string} clientId   @param {string} home where a sign-in returns to */
export function createSession(broker, clientId, home = location.pathname) {
  const base = `${broker}/bff/${clientId}`;

  /** One call: "/session", "/api/...", "/proxy/PROVIDER/...". The browser adds the cookie, the header says who asks. */
  const call = (path, options = {}) =>
    fetch(base + path, {
      ...options,
      credentials: "include",
      headers: { ...options.headers, "Broker-Bff": "1" },
    });

  /** Who is signed in, or null; it never sends the browser anywhere. */
  async function read() {
    const answer = await call("/session");
    if (answer.status === 401) return null;
    if (!answer.ok) throw new Error(`session: ${answer.status}`);
    return answer.json();
  }

  /** Leave for the sign-in; `asked` may hold scope, provider, prompt, max_age. The user returns to `home`. */
  function signIn(asked = {}) {
    location.assign(`${base}/login?${new URLSearchParams({ return_to: home, ...asked })}`);
  }

  /** End the session; the answer names the page where the user signs out at the broker too. */
  async function signOut() {
    const answer = await call("/logout", { method: "POST" });
    if (!answer.ok) throw new Error(`logout: ${answer.status}`);
    return answer.json();
  }

  return { call, read, signIn, signOut };
}
