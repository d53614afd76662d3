/* oxlint-disable typescript/no-explicit-any -- methods of any kind are matched here, and nowhere else */

/** A method that can be cached: it returns a promise. @publicApi */
export type AsyncMethod = (...args: any[]) => Promise<any>;

/** A function of which nothing is known. */
export type AnyFunction = (...args: any[]) => any;

/** Any list of arguments. */
export type AnyArgs = any[];

/**
 * What un-annotated parameters of option functions are: the method's types are known only after the options were read.
 */
export type Unchecked = any;

/** The class's prototype, so not the class itself: a static method has no instance, hence no cache. */
export type InstanceSide = object & { prototype?: never };

/** Options that are called with the arguments, before the method. */
type OfArguments = 'key' | 'keys' | 'condition';

/** The function among the forms an option may have; never when it is none, or of type any. */
type FunctionIn<Option> = 0 extends 1 & Option ? never : Extract<NonNullable<Option>, AnyFunction>;

/** What the option's function is called with. */
type Given<Name, Method extends AsyncMethod> = Name extends OfArguments
  ? Parameters<Method>
  : [result: Awaited<ReturnType<Method>>, ...args: Parameters<Method>];

/** Names of the options whose functions do not accept what the method would give them. */
type Mismatches<Options, Method extends AsyncMethod> = {
  [Name in Exclude<keyof Options, 'type'>]-?: [FunctionIn<Options[Name]>] extends [never]
    ? never
    : FunctionIn<Options[Name]> extends (...args: Given<Name, Method>) => unknown
      ? never
      : Name;
}[Exclude<keyof Options, 'type'>];

/** Nothing when all option functions fit the method; else a type that no method has, whose name is the error. */
type Fits<Options, Method extends AsyncMethod> = [Mismatches<Options, Method>] extends [never]
  ? unknown
  : {
      [
        Name in Mismatches<
          Options,
          Method
        > as `The function '${Name & string}' does not fit the method, which calls it with`
      ]: Given<Name, Method>;
    };

type Intersection<Union> = (Union extends unknown ? (member: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;

/** As a function's parameters, and any more. */
type OrMore<Args extends AnyArgs> = number extends Args['length'] ? Args : [...Args, ...AnyArgs];

/** `any` would swallow what the other functions ask for. */
type Known<Type> = 0 extends 1 & Type ? unknown : Type;

/** What the option's function takes as the method's arguments. */
type ArgsTaken<Name, Args extends AnyArgs> = Name extends OfArguments
  ? OrMore<Args>
  : Args extends [result?: any, ...args: infer Rest]
    ? OrMore<Rest>
    : AnyArgs;

/** What the arguments of a method must be, for all functions of the options. */
type ArgsFor<Options> = Intersection<
  {
    [Name in Exclude<keyof Options, 'type'>]-?: ArgsTaken<Name, Parameters<FunctionIn<Options[Name]>>>;
  }[Exclude<keyof Options, 'type'>]
> &
  AnyArgs;

/** Refuses methods of fewer parameters than a function needs, which `ArgsFor` alone lets pass. */
type EnoughFor<Options> = Intersection<
  {
    [Name in Exclude<keyof Options, 'type'>]-?: {
      set?: (method: (...args: ArgsTaken<Name, Parameters<FunctionIn<Options[Name]>>>) => never) => void;
    };
  }[Exclude<keyof Options, 'type'>]
>;

/** What the option's function takes as the method's result; in a box, so that a union stays one. */
type ResultTaken<Args extends AnyArgs> = Args extends [] ? [unknown] : Args extends AnyArgs ? [Known<Args[0]>] : never;

/** What the result of a method must be, for all functions of the options. */
type ResultFor<Options> = (Intersection<
  {
    [Name in Exclude<keyof Options, 'type' | OfArguments>]-?: ResultTaken<Parameters<FunctionIn<Options[Name]>>>;
  }[Exclude<keyof Options, 'type' | OfArguments>]
> &
  [unknown])[0];

/**
 * A decorator for methods that return a promise and that every function of `Options` fits.
 *
 * The second form says what does not fit; it stands after the other, since TypeScript 7 tells the last one's alone.
 * TypeScript cannot answer it for the type parameters of a class; the first can, since it only asks whether arguments
 * and result are assignable to what the functions take. The third is asked where `experimentalDecorators` is off: no
 * method has what it wants, whose name is the error. It has one parameter, and decorators that Nest uses get two or
 * three, so that it is no part of other messages.
 *
 * @publicApi
 */
export interface CachedMethodDecorator<Options> {
  <Args extends ArgsFor<Options>, Result extends ResultFor<Options>>(
    target: InstanceSide,
    name: string | symbol,
    descriptor: TypedPropertyDescriptor<(...args: Args) => Promise<Result>> & EnoughFor<Options>,
  ): void;
  <Method extends AsyncMethod>(
    target: InstanceSide,
    name: string | symbol,
    descriptor: TypedPropertyDescriptor<Method> & Fits<Options, Method>,
  ): void;
  (method: { 'Set "experimentalDecorators": true in tsconfig.json': true }): void;
}

/** A decorator for methods of exactly this type, given as `Cacheable<UsersService['findOne']>`. @publicApi */
export interface MethodDecoratorFor<Expected extends AsyncMethod> {
  <Method extends Expected>(
    target: InstanceSide,
    name: string | symbol,
    descriptor: TypedPropertyDescriptor<Method>,
  ): void;
  (method: { 'Set "experimentalDecorators": true in tsconfig.json': true }): void;
}

/**
 * What a decorator takes: of a named method (`Cacheable<UsersService['findOne']>`) the options `OfMethod`, else any
 * options. One signature, so that the compiler says what is wrong at the option that is.
 */
export type DecoratorOptions<Named, OfMethod, Known> = [Named] extends [AsyncMethod]
  ? OfMethod
  : [Named] extends [Known]
    ? NoOthers<Named, Known>
    : Known;

/** The method that is named. */
export type MethodIn<Named> = Extract<Named, AsyncMethod>;

/** What a decorator makes of that. */
export type DecoratorOf<Named> = [Named] extends [AsyncMethod]
  ? MethodDecoratorFor<Named>
  : CachedMethodDecorator<Named>;

/**
 * Refuses what `Known` does not name, by a type whose text is the error: inference from an object literal would let it
 * pass. `Known` itself is there for editors, which show the words of its options.
 */
type NoOthers<Options, Known> = Options &
  Known & {
    [Name in Exclude<keyof Options, keyof Known>]: { 'There is no option of this name': Name };
  };
