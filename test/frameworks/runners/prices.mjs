// What is tested by the runners: the last price of a subscription.
import {asyncConnect} from 'ssekit';

export async function lastPrice(url, options) {
  let price;
  for await (const event of asyncConnect(url, options)) {
    if (event.event === 'price') price = event.json().price;
  }
  return price;
}
