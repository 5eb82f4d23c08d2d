// The API reference, rendered from this server's own document; nothing is loaded from other hosts.
import { request } from "./lib/api.js";

const byId = (id) => document.getElementById(id);

function trouble(text) {
  byId("trouble").textContent = text;
  byId("trouble").hidden = false;
}

try {
  const spec = await request("/openapi.json", { deadline: 15_000 });
  const SwaggerUI = globalThis.SwaggerUIBundle;
  if (SwaggerUI) {
    SwaggerUI({
      // What is tried here is tried on the server that shows it.
      spec: {
        ...spec,
        servers: [{ url: location.origin, description: "The Holdfast that serves this page" }],
      },
      domNode: byId("reference"),
      deepLinking: true,
      defaultModelsExpandDepth: 0,
      docExpansion: "list",
      displayRequestDuration: true,
      presets: [SwaggerUI.presets.apis],
      // Its default asks a validator on another host about this page.
      validatorUrl: null,
    });
  } else {
    trouble("The API reference could not be loaded. The document is at /openapi.json.");
  }
} catch (error) {
  trouble(
    `The API description could not be read: ${error.message}. It is served as /openapi.json.`,
  );
}
