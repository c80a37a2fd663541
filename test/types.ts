import '../sse.ts';
