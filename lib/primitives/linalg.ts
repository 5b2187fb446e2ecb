/** Linear algebra on nodes. */

export { determinant, luDiagonal } from './linalg-determinant';
export { eig, eigh, eigvals, eigvalsh, matrixRoot } from './linalg-eigen';
export { adjoint, diagonalOf, identities, lowerTriangle, transposed, upperTriangle } from './linalg-matrices';
export { pinv, qr, singularValues, svd } from './linalg-orthogonal';
export { cholesky, lu, solve, triangularSolve } from './linalg-solve';
