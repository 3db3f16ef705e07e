import { startSignIn } from "../broker";

export const GET = async () => Response.redirect(await startSignIn());
