import { useState } from "react";
import { createRoot } from "react-dom/client";
import { provider, readAccount, signIn, signOut } from "./broker";

function App({ name, fault }: { name: string | null; fault: string }) {
  const [account, setAccount] = useState("");
  const read = async () => setAccount(JSON.stringify(await readAccount(), null, 2));
  if (name === null) {
    return (
      <>
        <p role="status">{fault}</p>
        <button onClick={signIn}>Continue with {provider.name}</button>
      </>
    );
  }
  return (
    <>
      <p id="who">Signed in as {name}</p>
      <p><button onClick={() => read().catch((error: Error) => setAccount(error.message))}>Read my {provider.name} account</button></p>
      <pre>{account}</pre>
      <button onClick={() => signOut().then(() => location.reload())}>Sign out of this app</button>
    </>
  );
}

export const show = (element: HTMLElement, name: string | null, fault: string) =>
  createRoot(element).render(<App name={name} fault={fault} />);
