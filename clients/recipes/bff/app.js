// A page that holds no token: a cookie that it cannot see, and the broker in front of its API and of the provider's.

import { createSession } from "./session.js";

const $ = (selector) => document.querySelector(selector);
const { issuer, client_id } = await (await fetch("/config.json")).json();
const session = createSession(issuer, client_id);
const TRIED = "sign-in tried"; // a browser that keeps no cookie would go round for ever

$("#sign-in").onclick = () => {
  sessionStorage.setItem(TRIED, "1");
  session.signIn({ provider: "demo" }); // without it the user chooses
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
  if (refused) return showOutside(refused === "access_denied" ? "You said no." : `It did not work: ${refused}`);
  if (!tried) return showOutside("Nobody is signed in.");
  return showOutside("This browser keeps no cookie for the sign-in. Allow cookies, or open this page in another browser.");
}

/** What an API answers as JSON; whoever is signed out meanwhile is told so. */
async function ask(path, options) {
  const answer = await session.call(path, options);
  const document = await answer.json();
  if (answer.ok) return document;
  if (answer.status === 401 && document.error === "login_required") showOutside("Your session is over.");
  else $("#notes").textContent = `Refused: ${document.reason ?? document.error ?? answer.status}`;
  return undefined;
}

async function showInside({ user }) {
  $("#who").textContent = `Signed in as ${user.name ?? user.sub}`;
  $("#sign-in").hidden = true;
  const tasks = await ask("/api/tasks");
  if (tasks) showTasks(tasks);
  $("#inside").hidden = !$("#sign-in").hidden; // only now, so that no older list covers what is added
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
