// Kept for the tab and no longer: an operator's key has no place on the disk of a shared machine.

const NAME = "dofs.credential";

export const KINDS = {
  api_key: { text: "API key", header: "X-Api-Key" },
  id_token: { text: "ID token", header: "Authorization" },
};

export function kept() {
  try {
    const found = JSON.parse(sessionStorage.getItem(NAME));
    return found && Object.hasOwn(KINDS, found.kind) ? found : null;
  } catch {
    return null;
  }
}

export function keep(kind, value) {
  sessionStorage.setItem(NAME, JSON.stringify({ kind, value }));
}

export function forget() {
  sessionStorage.removeItem(NAME);
}

export function headers() {
  const found = kept();
  return found ? { [KINDS[found.kind].header]: found.value } : {};
}
