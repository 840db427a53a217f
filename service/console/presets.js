const ORDER = {
  customer_id: "cust_123",
  items: [
    { product_id: "prod_456", quantity: 2, price: 29.99 },
    { product_id: "prod_789", quantity: 1, price: 12.5 },
  ],
  total_amount: 72.48,
};
const WRONG = {
  customer_id: "cust 123",
  items: [{ product_id: "prod_456", quantity: 0, price: 29.999 }],
  total_amount: 60,
  gift: true,
};
const NAMELESS = { items: ORDER.items, total_amount: ORDER.total_amount };

export const PRESETS = [
  { name: "Valid", text: "Goes the whole way to its end.", order: ORDER },
  { name: "Invalid", text: "Is refused with every wrong field named; nothing is stored.", order: WRONG },
  { name: "Lenient", text: "Is taken in all the same, and the workflow ends it as REJECTED.", order: NAMELESS, lenient: true },
  { name: "Repeated", text: "Is sent twice under one idempotency key, and is one order.", order: ORDER, twice: true },
];
