import { readAccount } from "../broker";

export async function GET() {
  const account = await readAccount();
  return account ? Response.json(account) : Response.redirect(`${process.env.APP_URL}/login`);
}
