import { render } from "./render.js";

export default {
  async fetch() {
    return Response.json(await render());
  },
};
