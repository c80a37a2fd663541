import {mount as mountSvelte, unmount} from 'svelte';
import Events from './Events.svelte';

export function mount(element, url) {
  const component = mountSvelte(Events, {target: element, props: {url}});
  return () => unmount(component);
}
