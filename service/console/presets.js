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
const WITHOUT_CUSTOMER = { items: ORDER.items, total_amount: ORDER.total_amount };

export const PRESETS = [
  { name: "Valid", text: "Is accepted and processed to a terminal status.", order: ORDER },
  { name: "Invalid", text: "Is refused with an error for each invalid field. Nothing is stored.", order: INVALID },
  { name: "Lenient", text: "Is accepted without a customer, then REJECTED by the workflow.", order: WITHOUT_CUSTOMER, lenient: true },
  { name: "Repeated", text: "Is sent twice with one idempotency key. Creates one order.", order: ORDER, twice: true },
];
