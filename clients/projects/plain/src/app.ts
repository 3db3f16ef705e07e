import { provider, readAccount, signIn, signOut } from "./broker";

export function show(element: HTMLElement, name: string | null, fault: string) {
  if (name === null) return element.replaceChildren(status(fault), button(`Continue with ${provider.name}`, signIn));
  const account = document.createElement("pre");
  const read = async () => (account.textContent = JSON.stringify(await readAccount(), null, 2));
  element.replaceChildren(
    Object.assign(document.createElement("p"), { id: "who", textContent: `Signed in as ${name}` }),
    button(`Read my ${provider.name} account`, () => read().catch(({ message }) => (account.textContent = message))),
    account,
    button("Sign out of this app", () => signOut().then(() => location.reload())),
  );
}

function status(text: string) {
  return Object.assign(document.createElement("p"), { role: "status", textContent: text });
}

function button(text: string, onclick: () => unknown) {
  return Object.assign(document.createElement("button"), { textContent: text, onclick });
}
