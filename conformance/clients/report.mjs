// How a check says what it found: a line of JSON, by its name and, if it failed, why.
export const http = process.env.GUANXI_URL;

/** Runs checks one after the other and ends the process, whatever a client keeps open. */
export async function report(checks) {
  for (const [name, check] of Object.entries(checks)) {
    let why = null;
    try {
      await Promise.race([check(), late()]);
    } catch (error) {
      why = `${error.name}: ${error.message}`.slice(0, 500);
    }
    process.stdout.write(`${JSON.stringify({ name, why })}\n`);
  }
  process.exit(0);
}

const late = () => new Promise((_, reject) => setTimeout(() => reject(new Error("no answer within 30 s")), 30_000));
