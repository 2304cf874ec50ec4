import 'reflect-metadata'
import {
  type ArgumentsHost,
  Body,
  type CanActivate,
  Catch,
  Controller,
  createParamDecorator,
  type ExceptionFilter,
  type ExecutionContext,
  Get,
  type MiddlewareConsumer,
  Module,
  type NestModule,
  Post,
  UseGuards,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { Request, Response } from 'express'
import { AuthError, createRopgAuth, getAuth, type RequestAuth } from 'express-auth0-ropg'

export const auth = createRopgAuth()

class LoggedIn implements CanActivate {
  async canActivate(context: ExecutionContext) {
    const req = context.switchToHttp().getRequest<Request>()
    const login = await auth.authenticate(req)
    if (!login) throw new AuthError('unauthenticated')
    req.auth = login
    return true
  }
}

const Login = createParamDecorator((_data: unknown, context: ExecutionContext) => {
  return getAuth(context.switchToHttp().getRequest<Request>())
})

// Nest answers 500 to errors that it does not know.
@Catch(AuthError)
class AuthErrorFilter implements ExceptionFilter<AuthError> {
  catch(err: AuthError, host: ArgumentsHost) {
    const res = host.switchToHttp().getResponse<Response>()
    res.status(err.status).set(err.headers).json(err)
  }
}

@Controller('notes')
@UseGuards(LoggedIn)
class NotesController {
  readonly #notes = new Map<string, string[]>()

  @Get()
  list(@Login() { sub, user }: RequestAuth) {
    return { owner: user.name, notes: this.#notes.get(sub) ?? [] }
  }

  @Post()
  add(@Login() { sub }: RequestAuth, @Body('text') text: unknown) {
    const notes = [...(this.#notes.get(sub) ?? []), String(text)]
    this.#notes.set(sub, notes)
    return { notes }
  }
}

// With middleware in place of a guard.
@Controller('me')
class MeController {
  @Get()
  me(@Login() { user }: RequestAuth) {
    return user
  }

  // If this rejects, AuthErrorFilter sends the response.
  @Get('token')
  async token(@Login() login: RequestAuth) {
    const { scope, expiresAt } = await login.getAccessToken()
    return { scope, expiresAt }
  }
}

@Module({ controllers: [NotesController, MeController] })
class AppModule implements NestModule {
  configure(consumer: MiddlewareConsumer) {
    consumer.apply(auth.requireAuth).forRoutes(MeController)
  }
}

async function bootstrap() {
  const app = await NestFactory.create(AppModule)
  app.use('/api/auth', auth.router)
  app.useGlobalFilters(new AuthErrorFilter())
  await app.listen(process.env.PORT ?? 3000)
  return app
}

export const app = bootstrap()
