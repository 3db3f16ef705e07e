import { finishSignIn } from "../broker";

export const GET = async (request) => Response.redirect(await finishSignIn(new URL(request.url).search));
