import { mount } from "svelte";
import { finishConnect } from "../../javascript/broker.js";
import App from "./App.svelte";
import { manager } from "./session.js";

const target = document.querySelector("#app");

async function comeBack() {
  if (location.pathname === "/callback") await manager.signinCallback();
  history.replaceState(null, "", "/"); // the authorization code leaves the address bar
  return manager.getUser();
}

if (finishConnect()) target.textContent = "Connected. You can close this window."; // connect() opened this window
else mount(App, { target, props: { user: await comeBack() } });
