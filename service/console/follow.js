import { get, Problem } from "./api.js";
import { ENDED } from "./status.js";

const EVERY = 1000;

// Shows an order again and again until it comes to its end. Returns how to stop.
export function follow(orderId, read, show, report) {
  let timer = null;
  let stopped = false;

  async function look() {
    try {
      const found = await read(orderId);
      if (stopped) return;
      if (show(found)) return;
    } catch (error) {
      if (stopped) return;
      report(error);
      if (error instanceof Problem && error.isFinal) return;
    }
    timer = setTimeout(look, EVERY);
  }

  look();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

export const readOrder = (orderId) => get(`orders/${encodeURIComponent(orderId)}`);
export const hasEnded = (order) => ENDED.has(order.status);
