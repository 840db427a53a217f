import { get, Problem } from "./api.js";
import { TERMINAL } from "./states.js";

const INTERVAL = 1000;

// Reads and shows an order until its status is terminal or an error is permanent. Returns a function that stops it.
export function pollOrder(orderId, read, show, showError) {
  let timer = null;
  let stopped = false;

  async function poll() {
    try {
      const order = await read(orderId);
      if (stopped) return;
      const isLast = show(order);
      if (isLast) return;
    } catch (error) {
      if (stopped) return;
      showError(error);
      if (error instanceof Problem && error.isPermanent) return;
    }
    timer = setTimeout(poll, INTERVAL);
  }

  poll();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

export const readOrder = (orderId) => get(`orders/${encodeURIComponent(orderId)}`);
export const isTerminal = (order) => TERMINAL.has(order.status);
