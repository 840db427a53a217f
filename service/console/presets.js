const ORDER = {
  customer_id: "cust_123",
  items: [
    { product_id: "prod_456", quantity: 2, price: 29.99 },
    { product_id: "prod_789", quantity: 1, price: 12.5 },
  ],
  total_amount: 72.48,
};
const INVALID = {
  customer_id: "cust_123 ",
  items: [{ product_id: "prod_456", quantity: 0, price: "29,99" }],
  total_amount: 60,
  gift: true,
};
const COMPLETE = {
  customer_id: "anna@example.com",
  reference: "#1001",
  items: [{ product_id: "prod_456", name: "Blue shirt, size M", sku: "SKU 12/B#4", quantity: 2, price: 29.99 }],
  adjustments: [
    { kind: "shipping", amount: 4.99 },
    { kind: "discount", amount: -6, label: "WELCOME10" },
  ],
  total_amount: 58.97,
  currency: "EUR",
  ship_to: { name: "Anna Schmidt", line1: "Hauptstraße 1", city: "Berlin", postal_code: "10115", country: "DE" },
  service_level: "express",
  note: "Please ring twice.",
};
const WITHOUT_CUSTOMER = { items: ORDER.items, total_amount: ORDER.total_amount };

export const PRESETS = [
  { name: "Valid", text: "Is accepted and processed to a terminal status.", order: ORDER },
  { name: "Complete", text: "Has an address, shipping, a discount and the shop's order number.", order: COMPLETE },
  { name: "Invalid", text: "Is refused with an error for each invalid field. Nothing is stored.", order: INVALID },
  { name: "Lenient", text: "Is accepted without a customer, then REJECTED by the workflow.", order: WITHOUT_CUSTOMER, lenient: true },
  { name: "Repeated", text: "Is sent twice with one idempotency key. Creates one order.", order: ORDER, twice: true },
];
