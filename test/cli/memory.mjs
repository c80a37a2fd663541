// node --import …/memory.mjs PROGRAM: says on stderr how much memory it took at most.
process.once('exit', () => {
  console.error(`peak ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`);
});
