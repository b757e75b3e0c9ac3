// A server component, made anew for each request, around a client component.
import init, * as lora from "micro-lora";
import { learnOneClick } from "../click.js";
import Client from "./client.js";

export const dynamic = "force-dynamic";

export default async function Page() {
  await init();
  return (
    <main>
      <p id="server">{JSON.stringify(learnOneClick(lora))}</p>
      <Client />
    </main>
  );
}
