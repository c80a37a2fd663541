// What you would test: the latest price of each symbol, out of a stream.
import {asyncConnect} from 'ssekit';

export async function latestPrices(url, options) {
  const prices = new Map();
  for await (const {event, data} of asyncConnect(url, options)) {
    if (event !== 'price') continue;
    const {symbol, price} = JSON.parse(data);
    prices.set(symbol, price);
  }
  return prices;
}
