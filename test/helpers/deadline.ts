/** Minutes, since a busy machine is no fault of the code: only a wait that can never end may come to this. */
export const deadline = 180_000;

/** Rejects where a promise is still pending after `milliseconds`, so that a wait that cannot end fails its test. */
export async function withDeadline<T>(
  promise: Promise<T>,
  what: string,
  milliseconds = deadline,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`Waited ${milliseconds} ms in vain for ${what}`)),
      milliseconds,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
