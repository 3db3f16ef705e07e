import { provider, readSession } from "./broker";

export default async function Page({ searchParams }) {
  const { name } = await readSession();
  const { error } = await searchParams;
  if (!name) {
    return (
      <main>
        <p role="status">{error && `You are not signed in: ${error}`}</p>
        <a href="/login">Continue with {provider.name}</a>
      </main>
    );
  }
  return (
    <main>
      <p id="who">Signed in as {name}</p>
      <p>
        <a href="/account">Read my {provider.name} account</a>
      </p>
      <form action={signOut}>
        <button>Sign out of this app</button>
      </form>
    </main>
  );
}

async function signOut() {
  "use server";
  const session = await readSession();
  session.destroy();
}
