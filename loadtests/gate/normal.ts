// The normal distribution and Student's t, as far as tests and intervals need them.

/**
 * The share of the standard normal distribution above `z`, precise far out in the tail too.
 * Abramowitz and Stegun 26.2.17 would do for z < 3 only; this is the continued fraction 26.2.14
 * there, and the series 26.2.10 nearer to the middle.
 */
export function upperTail(z: number): number {
  if (z < 0) return 1 - upperTail(-z);
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  if (z > 3) {
    let fraction = 0;
    for (let term = 60; term >= 1; term -= 1) fraction = term / (z + fraction);
    return density / (z + fraction);
  }
  let sum = z;
  let term = z;
  for (let odd = 3; odd < 200; odd += 2) {
    term *= (z * z) / odd;
    sum += term;
  }
  return 0.5 - density * sum;
}

/** The z that a share of `probability` lies below. Both ends are infinite. */
export function normalQuantile(probability: number): number {
  if (probability <= 0) return -Infinity;
  if (probability >= 1) return Infinity;
  // Halving is slow and cannot go wrong; it is asked for a few times in a comparison.
  let low = -40;
  let high = 40;
  for (let step = 0; step < 80; step += 1) {
    const middle = (low + high) / 2;
    if (1 - upperTail(middle) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * The same of Student's t: the expansion of Abramowitz and Stegun 26.7.5, good to 1 % from four
 * degrees of freedom on, which three runs in each arm have.
 */
export function studentQuantile(probability: number, freedom: number): number {
  const x = normalQuantile(probability);
  const terms = [
    x,
    (x ** 3 + x) / 4,
    (5 * x ** 5 + 16 * x ** 3 + 3 * x) / 96,
    (3 * x ** 7 + 19 * x ** 5 + 17 * x ** 3 - 15 * x) / 384,
    (79 * x ** 9 + 776 * x ** 7 + 1482 * x ** 5 - 1920 * x ** 3 - 945 * x) / 92_160,
  ];
  return terms.reduce((sum, term, power) => sum + term / freedom ** power, 0);
}
