// Renders what it is asked over stdin: a line of JSON, then the picture's bytes. Answers in the same way.
"use strict";
const sharp = require("sharp");

sharp.concurrency(1); // one vCPU, as for everyone
sharp.cache(false);

async function render({ sizes, quality, webp_effort: effort }, data) {
  const original = sharp(data).rotate().toColourspace("srgb");
  const entries = Object.entries(sizes).flatMap(([name, edge]) => {
    const resized = original
      .clone()
      .resize({ width: edge, height: edge, fit: "inside", withoutEnlargement: true });
    const files = [[name, resized.clone().jpeg({ quality, chromaSubsampling: "4:2:0" })]];
    if (effort !== null) files.push([`${name}.webp`, resized.clone().webp({ quality, effort })]);
    return files.map(async ([file, output]) => [file, await output.toBuffer()]);
  });
  return Promise.all(entries);
}

async function answer(job, data) {
  const cpu = process.cpuUsage();
  const start = process.hrtime.bigint();
  let files;
  try {
    files = await render(job, data);
  } catch (error) {
    process.stdout.write(JSON.stringify({ error: String(error) }) + "\n");
    return;
  }
  const milliseconds = Number(process.hrtime.bigint() - start) / 1e6;
  const { user, system } = process.cpuUsage(cpu);
  const head = {
    milliseconds,
    cpu_milliseconds: (user + system) / 1e3,
    files: files.map(([name, file]) => [name, file.length]),
  };
  process.stdout.write(JSON.stringify(head) + "\n");
  for (const [, file] of files) process.stdout.write(file);
}

async function main() {
  let chunks = [];
  let held = 0;
  let job = null;
  for await (const chunk of process.stdin) {
    chunks.push(chunk);
    held += chunk.length;
    for (;;) {
      if (job === null) {
        const all = Buffer.concat(chunks);
        const end = all.indexOf(10);
        if (end < 0) break;
        job = JSON.parse(all.subarray(0, end).toString());
        chunks = [all.subarray(end + 1)];
        held = chunks[0].length;
      }
      if (held < job.bytes) break;
      const all = Buffer.concat(chunks);
      await answer(job, all.subarray(0, job.bytes));
      chunks = [all.subarray(job.bytes)];
      held = chunks[0].length;
      job = null;
      if (held === 0) break;
    }
  }
}

main();
