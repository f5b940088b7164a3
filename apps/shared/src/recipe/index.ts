export { overlay, readRecipe } from './recipeFile';
export * from './recipeSchema';
