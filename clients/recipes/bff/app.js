// A page without tokens: it has a cookie that it cannot read, and calls its own API and the provider's through the broker.

import { createSession } from "./session.js";

const $ = (selector) => document.querySelector(selector);
const { issuer, client_id } = await (await fetch("/config.json")).json();
const session = createSession(issuer, client_id);
const TRIED = "sign-in tried"; // without cookies, the page would sign in again and again

$("#sign-in").onclick = () => {
  sessionStorage.setItem(TRIED, "1");
  session.signIn({ provider: "demo" }); // without it, the user chooses
};
$("#sign-out").onclick = async () => {
  await session.signOut();
  showOutside("You are signed out.");
};
$("#add").onsubmit = async (event) => {
  event.preventDefault();
  const body = JSON.stringify({ text: new FormData(event.target).get("text") });
  const answer = await ask("/api/tasks", { method: "POST", body, headers: { "Content-Type": "application/json" } });
  if (answer) showTasks(answer);
  event.target.reset();
};
$("#read").onclick = async () => {
  const answer = await ask("/proxy/demo/notes");
  if (answer) $("#notes").textContent = `The notes of ${answer.owner}: ${answer.notes.length}`;
};

await begin();

async function begin() {
  const refused = new URLSearchParams(location.search).get("error");
  history.replaceState(null, "", location.pathname);
  const tried = sessionStorage.getItem(TRIED);
  sessionStorage.removeItem(TRIED);
  const who = await session.read();
  if (who) return showInside(who);
  if (refused) return showOutside(refused === "access_denied" ? "You declined." : `Something went wrong: ${refused}`);
  if (!tried) return showOutside("Nobody is signed in.");
  return showOutside("This browser stores no cookies. Allow cookies, or open this page in another browser.");
}

/** An API's JSON response. Shows a message if the user is signed out or the call is refused. */
async function ask(path, options) {
  const answer = await session.call(path, options);
  const document = await answer.json();
  if (answer.ok) return document;
  if (answer.status === 401 && document.error === "login_required") showOutside("Your session has expired.");
  else $("#notes").textContent = `Refused: ${document.reason ?? document.error ?? answer.status}`;
  return undefined;
}

async function showInside({ user }) {
  $("#who").textContent = `Signed in as ${user.name ?? user.sub}`;
  $("#sign-in").hidden = true;
  const tasks = await ask("/api/tasks");
  if (tasks) showTasks(tasks);
  $("#inside").hidden = !$("#sign-in").hidden; // only now, so that no earlier list replaces a new task
}

function showOutside(said) {
  $("#who").textContent = said;
  $("#sign-in").hidden = false;
  $("#inside").hidden = true;
}

function showTasks({ tasks }) {
  const rows = tasks.map((text) => Object.assign(document.createElement("li"), { textContent: text }));
  $("#tasks").replaceChildren(...rows);
}
