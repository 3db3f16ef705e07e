// Vue without a build step: the template is in the page's script, and the accounts are a custom element.

import { UserManager } from "oidc-client-ts";
import { createApp, ref } from "vue";
import { Broker, finishConnect } from "/clients/broker.js";
import "/clients/connected-accounts.js";

const { issuer, client_id, offers } = await (await fetch("/config.json")).json();
const redirect_uri = `${location.origin}/callback`;
const manager = new UserManager({
  authority: issuer,
  client_id,
  redirect_uri,
  scope: "openid profile offline_access demo:notes:read",
  loadUserInfo: true, // the user's name
  extraQueryParams: { provider: "demo" }, // without it, the user chooses
});
const token = async (fresh) => (await (fresh ? manager.signinSilent() : manager.getUser())).access_token;
const broker = new Broker({ issuer, clientId: client_id, redirectUri: redirect_uri, token });

const App = {
  template: `
    <button v-if="!user" @click="signIn">Sign in</button>
    <template v-else>
      <p id="who">Signed in as {{ user.profile.name }}</p>
      <connected-accounts :broker :offers />
      <p><button @click="read">Read the notes</button> {{ shown }}</p>
    </template>`,
  props: ["user"],
  setup() {
    const shown = ref("");
    /** Calls the provider's API with its own token, which the broker hands out. */
    const read = async () => {
      try {
        const { access_token } = await broker.exchange("demo");
        const answer = await fetch(offers[0].api, { headers: { Authorization: `Bearer ${access_token}` } });
        shown.value = `The notes of ${(await answer.json()).owner}`;
      } catch (error) {
        shown.value = error.code === "reauth_required" ? "Connect it again." : error.message;
      }
    };
    return { broker, offers, shown, read, signIn: () => manager.signinRedirect() };
  },
};

async function comeBack() {
  if (location.pathname === "/callback") await manager.signinCallback();
  history.replaceState(null, "", "/"); // the authorization code leaves the address bar
  return manager.getUser();
}

if (finishConnect()) {
  document.querySelector("#app").textContent = "Connected. You can close this window."; // connect() opened this window
} else {
  const app = createApp(App, { user: await comeBack() });
  app.config.compilerOptions.isCustomElement = (name) => name === "connected-accounts";
  app.mount("#app");
}
