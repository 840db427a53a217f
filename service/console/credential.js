// Stored for the tab only: an operator's key must not stay on the disk of a shared machine.

const NAME = "dofs.credential";

export const KINDS = {
  api_key: { text: "API key", header: "X-Api-Key" },
  id_token: { text: "ID token", header: "Authorization" },
};

export function load() {
  try {
    const found = JSON.parse(sessionStorage.getItem(NAME));
    return found && Object.hasOwn(KINDS, found.kind) ? found : null;
  } catch {
    return null;
  }
}

export function save(kind, value) {
  sessionStorage.setItem(NAME, JSON.stringify({ kind, value }));
}

export function remove() {
  sessionStorage.removeItem(NAME);
}

export function headers() {
  const found = load();
  return found ? { [KINDS[found.kind].header]: found.value } : {};
}
