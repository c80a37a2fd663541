// Vue: a composable, which lives as long as its component.

import {createApp, h, onScopeDispose, reactive} from 'vue';
import {asyncConnect} from 'ssekit';

function useEvents(url, onEvent, options) {
  const status = reactive({state: 'connecting', error: undefined});
  const show = (state, error) => Object.assign(status, {state, error});
  const events = asyncConnect(url, {
    ...options,
    onOpen: () => show('open'),
    onRetry: ({error}) => show('waiting', error),
  });
  async function follow() {
    try {
      for await (const event of events) onEvent(event);
      show('closed');
    } catch (error) {
      show('closed', error);
    }
  }
  void follow();
  onScopeDispose(() => events.close());
  return status;
}

export function mount(element, url) {
  const app = createApp({
    setup() {
      const ids = reactive([]);
      // biome-ignore lint/correctness/useHookAtTopLevel: that is React's rule
      const status = useEvents(url, ({id}) => ids.push(id));
      return () => h('p', {id: 'events'}, `${status.state}: ${ids.join()}`);
    },
  });
  app.mount(element);
  return () => app.unmount();
}
